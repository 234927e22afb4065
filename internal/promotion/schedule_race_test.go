//go:build race

package promotion_test

// perCheck is how many histories a check of rapid's draws: with the race detector each takes several times as long.
const perCheck = 1
