"""Devices in real time for a real agent process: a receiver on a pty, pins over a socket, a broker."""
