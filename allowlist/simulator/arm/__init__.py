"""What every resource provider in Azure Resource Manager shares, without knowing any of them."""
