Bar=draw=None
