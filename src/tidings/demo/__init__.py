"""A tour on bundled blogs: real polls over HTTP, real mail over SMTP, all on this machine.

blogs    the posts, written for it
origin   serves them, as other people's servers would
sink     takes the mail, as other people's servers would
tour     the steps, with the same functions the commands use
"""
