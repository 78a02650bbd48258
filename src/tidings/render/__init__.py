"""What readers see: mail, pages and feeds, from frozen values and templates. The only room with Jinja2."""
