"""Other egress filters than Azure's: what their lists mean, how ours is written for them, and the proof that both agree.

A *dialect* is one place of one engine where host names are listed (Squid's ``dstdomain``, nginx's ``map``). It says
what one entry means, as a set of names where that can be said exactly. A *format* writes whole files for an engine
and reads them back by its dialects, so that a proof compares what the engine will do, never what we meant to write.
Everything here is pure: texts in, texts and values out.
"""
