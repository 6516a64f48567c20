"""Network security perimeters: outbound access rules of a profile, for the resources associated with it."""
