"""How good a list of molecules is: MOSES' measures, each beside what real molecules reach at the same n."""
