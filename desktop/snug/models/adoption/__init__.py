"""What other programs keep on this computer: a small reader for each of them.

A reader tells where a program's files lie and what it says of them; nothing of that is believed
before the file itself was looked at (`looking`) and, when it is taken, read in full.
"""
