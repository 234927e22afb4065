package promotion

// An ArtifactKind says where a function's code comes from.
type ArtifactKind string

const (
	ArtifactZip   ArtifactKind = "zip"   // Path is a ready zip archive
	ArtifactDir   ArtifactKind = "dir"   // Path is a directory, zipped byte-reproducibly
	ArtifactS3    ArtifactKind = "s3"    // Bucket, Key and perhaps ObjectVersion name a stored archive
	ArtifactImage ArtifactKind = "image" // Image names a container image by digest or tag
	ArtifactNone  ArtifactKind = "none"  // something else has put the code there; Candidate says which version counts
)

// An Artifact is a function's code as the request names it, before anything was read.
type Artifact struct {
	Kind          ArtifactKind
	Path          string // relative to the workspace
	Bucket, Key   string
	ObjectVersion string
	Image         string
	Candidate     CandidateChoice
}

// A CandidateChoice says which code counts as the candidate where the artifact is none: $LATEST as it is
// (the zero value), the newest published version, or one by its number.
type CandidateChoice struct {
	Newest bool
	Number Version
}

// Existing tells whether the candidate is a version that exists already.
func (c CandidateChoice) Existing() bool { return c.Newest || c.Number != 0 }

// A Package is an artifact whose bytes are known: pinned, measured and ready to be uploaded. The zero value
// belongs to an artifact of kind none.
type Package struct {
	Kind   ArtifactKind
	Digest Digest // what Lambda's CodeSha256 will be
	Size   int64  // bytes; 0 where it is not known (an image)

	Path                       string // of the zip or the directory
	Bucket, Key, ObjectVersion string // of the stored archive, pinned where the bucket keeps versions
	Image                      string // repository@sha256:...
	Origin                     string // what a person would call it: "dist/checkout.zip", "s3://bucket/key"
}
