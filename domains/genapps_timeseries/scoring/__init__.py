"""How strange each row is: members, an ensemble for each channel, a detector over all channels."""
