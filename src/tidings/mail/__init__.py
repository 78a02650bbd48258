"""The only room with SMTP: messages as bytes, and the ways to hand them over."""
