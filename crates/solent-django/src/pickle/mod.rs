//! A reader of plain data in Python's pickle format, which executes nothing.
