"""What users run: command line, recipes, own data, the Hub, exchange, serving, bulk, a service."""
