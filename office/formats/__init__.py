"""How dates are written where Django's own way would mislead: one package per language, named by FORMAT_MODULE_PATH."""
