"""An inbox for the mail of the embedded stack: SMTP in, a web page and a JSON list out.

Made here because the ready-made ones don't fit: mail-devel keeps its mail in memory, so that a
restart loses it, and maildump rests on a release from 2020 and its own event loop.
"""
