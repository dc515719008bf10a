"""A third, independent answer to what is wrong in a batch file, written from the guide and not from the rule table.

It shares nothing with the rule table and its two compilations: columns, lists and readings are stated anew, and each
code is one small function over slices of bytes. It is slow and says only which code stands on which line.
"""
