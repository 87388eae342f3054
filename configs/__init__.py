"""What this installation is: typed settings, profiles, personas, and the model store.

The only package that both `assistant` and `services` import; it imports neither.
"""

if __name__ != "huiyin.configs":
    raise ImportError("import huiyin.configs, not configs")
