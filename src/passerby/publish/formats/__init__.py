"""Released numbers as files: CSV, JSON, Parquet and Excel.

Invariant: writes one batch of rows at a time, in public formats.
"""
