"""How fast Stride is, each figure beside the reference it is measured against in the same run."""
