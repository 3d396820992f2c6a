"""Odd images and where in them: learnt from good ones alone, with alarms at a stated rate of false ones."""
