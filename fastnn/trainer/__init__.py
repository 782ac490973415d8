"""The trainer: what "auto" means, the loop over the epochs, and what is written down of a training."""
