"""The stand-in's package, with the classes that a driver uses."""
