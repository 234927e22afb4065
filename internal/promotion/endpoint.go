package promotion

// Endpoints are the two stable addresses of an app behind one HTTP API: Latest shows the newest code,
// an environment's shows what was promoted there.
type Endpoints struct {
	API         string // names the API: it is found by its tag, never by an id
	Latest      EndpointAuth
	Environment EndpointAuth
	// Functions are those that have routes: all of the app's, also those that a run was narrowed away from.
	Functions []Function
}

// An EndpointAuth says who may call an endpoint.
type EndpointAuth string

const (
	AuthIAM  EndpointAuth = "aws-iam"
	AuthNone EndpointAuth = "none"
)

// An EndpointState is what the API looks like now.
type EndpointState struct {
	Exists             bool
	LatestURL          string // "https://.../shop/latest", "" while the API does not exist
	EnvironmentURL     string // "https://.../shop/prod"
	Routes             int    // in the whole API, whoever made them
	Integrations       int
	MissingLatest      []string // keys of the functions without their routes
	MissingEnvironment []string
}

// API Gateway's quotas per HTTP API: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html.
const (
	MaxRoutes       = 300
	MaxIntegrations = 300

	routesPerEndpoint       = 2 // the path itself, and everything below it
	integrationsPerEndpoint = 1
)
