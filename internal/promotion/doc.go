// Package promotion is what promote does, without the services that it does it with: the nouns (function,
// version, routing, candidate, check, verdict), the pure plan, the story ([Runner.Run]) and every decision
// under failure.
//
// It imports the standard library only. AWS, GitHub and the terminal are reached through the small
// interfaces that stand beside their caller in ports.go; their comments are contracts that the adapters keep.
//
// Three sentences carry the story. Before the first alias is moved a fault costs nothing. After it, every
// exit except promotion goes back. Every road ends in an [Outcome].
package promotion
