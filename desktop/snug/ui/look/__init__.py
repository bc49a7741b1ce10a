"""What every page is made of: tokens, theme, icons, small parts, words."""
