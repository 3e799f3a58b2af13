"""What monitoring asks: figures in Prometheus' format, and whether all is well."""
