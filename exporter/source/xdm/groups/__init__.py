"""The field groups and classes that ship with the package: their fields, in the shape of XDM and in our own words."""
