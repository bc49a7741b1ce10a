"""How text is shown: Markdown, code, links, and what keeps it inert."""
