"""The commands of `outpost`, one file each: arguments in, an exit code out."""
