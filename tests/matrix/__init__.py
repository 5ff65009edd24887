"""Every client protocol with every upstream protocol, tried with the SDKs that people use."""
