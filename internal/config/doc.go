// Package config turns the action's inputs or the command line's flags, promote.yaml and a few facts about the
// run into one [promotion.Request] and the [Settings] that the adapters need.
//
// Nothing is read from AWS or the disk: [Load] is given the file's bytes. It reports every fault that it can see
// at once, each with its place, what would be accepted and a way out. Which keys and inputs there are is
// written down once, in the files of fields (fields.go, verify_fields.go, ...) and input_table.go; the decoder, the JSON Schema for editors, action.yml
// and the help of the command line all come from there.
//
// Whether the artifacts, the functions and the account are as the request says is for others to find out.
package config
