"""The machine underneath: loopback addresses, processes, files and sockets."""
