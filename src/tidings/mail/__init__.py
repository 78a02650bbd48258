"""The only room with SMTP: messages as bytes, the ways to hand them over, and what is wrong with one."""
