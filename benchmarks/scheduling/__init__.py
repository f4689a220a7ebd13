"""What `stride bench scheduling` measures: scheduling's own code on made-up clinics, beside its references."""
