"""Measures Snug against bare llama.cpp on this machine, as ratios within one run.

Each part runs in a child process of its own, on a vault and data folder that are thrown away.
Figures are medians of interleaved rounds: these ratios hold on a noisy machine, absolute times do
not.
"""
