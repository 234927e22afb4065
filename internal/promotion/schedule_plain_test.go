//go:build !race

package promotion_test

// perCheck is how many histories a check of rapid's draws.
const perCheck = 2
