"""BERT-style sentence encoders, from safetensors and config.json, to tensor programs."""
