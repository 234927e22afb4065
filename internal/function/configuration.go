package function

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/promote-on-success/promote/internal/awserr"
	"github.com/promote-on-success/promote/internal/promotion"
)

// configuration renders all that makes a version behave as it does, apart from its code. Fields that Lambda leaves
// out are rendered as their defaults, so that a version from before a field existed does not look changed.
//
// Not in it, since they change nothing for callers: identity (name, ARN, version), condition (State, LastUpdateStatus
// and their reasons), dates, Description, and the signing profile, which belongs to the code. ConfigSha256 is not in
// it since it is not documented what it covers. RuntimeVersionConfig is not in it since Lambda itself patches
// runtimes, at another time for $LATEST than for a version: it would look like a change that nobody made.
func (a *Account) configuration(c *types.FunctionConfiguration) promotion.Configuration {
	m := promotion.Configuration{}
	set := func(field, value string) {
		if value != "" {
			m[field] = value
		}
	}
	set("Runtime", string(c.Runtime))
	set("Handler", aws.ToString(c.Handler))
	set("Role", aws.ToString(c.Role))
	set("MemorySize", number(c.MemorySize))
	set("Timeout", number(c.Timeout))
	set("KMSKeyArn", aws.ToString(c.KMSKeyArn))
	set("PackageType", string(or(c.PackageType, types.PackageTypeZip)))
	set("Architectures", joined(c.Architectures))
	if len(c.Architectures) == 0 {
		set("Architectures", string(types.ArchitectureX8664))
	}
	if c.Environment != nil {
		for name, value := range c.Environment.Variables {
			m["Environment."+name] = a.fingerprint(name, value)
		}
	}
	var layers []string // their order decides which file wins
	for _, l := range c.Layers {
		layers = append(layers, aws.ToString(l.Arn))
	}
	set("Layers", strings.Join(layers, ", "))
	m["EphemeralStorage"] = "512"
	if c.EphemeralStorage != nil && c.EphemeralStorage.Size != nil {
		m["EphemeralStorage"] = number(c.EphemeralStorage.Size)
	}
	m["TracingConfig.Mode"] = string(types.TracingModePassThrough)
	if c.TracingConfig != nil && c.TracingConfig.Mode != "" {
		m["TracingConfig.Mode"] = string(c.TracingConfig.Mode)
	}
	m["SnapStart.ApplyOn"] = string(types.SnapStartApplyOnNone)
	if c.SnapStart != nil && c.SnapStart.ApplyOn != "" {
		m["SnapStart.ApplyOn"] = string(c.SnapStart.ApplyOn)
	}
	if c.DeadLetterConfig != nil {
		set("DeadLetterConfig.TargetArn", aws.ToString(c.DeadLetterConfig.TargetArn))
	}
	if c.TenancyConfig != nil {
		set("TenancyConfig.TenantIsolationMode", string(c.TenancyConfig.TenantIsolationMode))
	}
	if d := c.DurableConfig; d != nil {
		set("DurableConfig.ExecutionTimeout", number(d.ExecutionTimeout))
		set("DurableConfig.RetentionPeriodInDays", number(d.RetentionPeriodInDays))
		set("DurableConfig.KMSKeyArn", aws.ToString(d.KMSKeyArn))
	}
	m["LoggingConfig.LogFormat"] = string(types.LogFormatText)
	if l := c.LoggingConfig; l != nil {
		set("LoggingConfig.LogFormat", string(l.LogFormat))
		set("LoggingConfig.LogGroup", aws.ToString(l.LogGroup))
		set("LoggingConfig.ApplicationLogLevel", string(l.ApplicationLogLevel))
		set("LoggingConfig.SystemLogLevel", string(l.SystemLogLevel))
	}
	if v := c.VpcConfig; v != nil {
		set("VpcConfig.VpcId", aws.ToString(v.VpcId))
		set("VpcConfig.SubnetIds", sorted(v.SubnetIds))
		set("VpcConfig.SecurityGroupIds", sorted(v.SecurityGroupIds))
		if aws.ToBool(v.Ipv6AllowedForDualStack) {
			m["VpcConfig.Ipv6AllowedForDualStack"] = "true"
		}
	}
	if c.ImageConfigResponse != nil && c.ImageConfigResponse.ImageConfig != nil {
		i := c.ImageConfigResponse.ImageConfig
		set("ImageConfig.EntryPoint", quoted(i.EntryPoint))
		set("ImageConfig.Command", quoted(i.Command))
		set("ImageConfig.WorkingDirectory", aws.ToString(i.WorkingDirectory))
	}
	var mounts []string
	for _, f := range c.FileSystemConfigs {
		mount := aws.ToString(f.Arn) + " at " + aws.ToString(f.LocalMountPath)
		if f.S3FilesConfig != nil && f.S3FilesConfig.DirectS3Read != "" {
			mount += ", direct reads " + string(f.S3FilesConfig.DirectS3Read)
		}
		mounts = append(mounts, mount)
	}
	set("FileSystemConfigs", sorted(mounts))
	return m
}

// fingerprint stands for the value of an environment variable. Two of one account can be compared; nobody without
// its key can find the value by trying.
func (a *Account) fingerprint(name, value string) string {
	mac := hmac.New(sha256.New, a.secret[:])
	mac.Write([]byte(name + "\x00" + value))
	return "fingerprint " + hex.EncodeToString(mac.Sum(nil)[:8])
}

// readable refuses what cannot be compared or promoted.
func readable(name string, c *types.FunctionConfiguration) error {
	if c.CapacityProviderConfig != nil {
		return fault("take it out of promote.yaml, or take the capacity provider off the function",
			"%s runs on Lambda managed instances, whose published version is replaced in place: there is no immutable version to promote, or to go back to", name)
	}
	if c.Environment != nil && c.Environment.Error != nil {
		return promotion.Fault{
			What:   fmt.Sprintf("the environment variables of %s cannot be read, so it cannot be told whether they changed", name),
			Hint:   "the role needs kms:Decrypt on the function's key " + aws.ToString(c.KMSKeyArn),
			Detail: awserr.Clean(aws.ToString(c.Environment.Error.Message)),
		}
	}
	if c.ImageConfigResponse != nil && c.ImageConfigResponse.Error != nil {
		return promotion.Fault{
			What:   fmt.Sprintf("the image configuration of %s cannot be read, so it cannot be told whether it changed", name),
			Detail: awserr.Clean(aws.ToString(c.ImageConfigResponse.Error.Message)),
		}
	}
	return nil
}

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

func or[T ~string](value, otherwise T) T {
	if value == "" {
		return otherwise
	}
	return value
}

func joined[T ~string](values []T) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return sorted(texts)
}

func sorted(values []string) string {
	return strings.Join(slices.Sorted(slices.Values(values)), ", ")
}

// quoted keeps the words apart, since they may hold anything.
func quoted(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", words)
}
