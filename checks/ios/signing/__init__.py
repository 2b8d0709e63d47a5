"""Code signature, entitlements and provisioning."""
