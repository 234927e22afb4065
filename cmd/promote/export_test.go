package main

// Main is the program, for scripts that run it as a process of its own.
func Main() { main() }
