package dynamodb

import "time"

func (w *world) updateTimeToLive(in *struct {
	TableName               string
	TimeToLiveSpecification *struct {
		AttributeName string
		Enabled       *bool
	}
}) (any, error) {
	spec := in.TimeToLiveSpecification
	if spec == nil || spec.Enabled == nil || spec.AttributeName == "" {
		return nil, required("timeToLiveSpecification")
	}
	t, err := w.described(in.TableName)
	if err != nil {
		return nil, err
	}
	switch {
	case t.status != statusActive:
		return nil, refuse("ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created or deleted: %s", t.name)
	case *spec.Enabled && t.ttl == spec.AttributeName:
		return nil, validation("TimeToLive is already enabled")
	case t.ttl != "" && t.ttl != spec.AttributeName:
		return nil, validation("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case !*spec.Enabled && t.ttl == "":
		return nil, validation("TimeToLive is already disabled")
	}
	if t.ttl = ""; *spec.Enabled {
		t.ttl = spec.AttributeName
	}
	return map[string]any{"TimeToLiveSpecification": spec}, nil
}

func (w *world) describeTimeToLive(in *tableInput) (any, error) {
	t, err := w.described(in.TableName)
	if err != nil {
		return nil, err
	}
	d := map[string]any{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		d = map[string]any{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}

// recoverable is how far back point-in-time recovery reaches unless a request says less.
const recoverable = 35

func (w *world) updateContinuousBackups(in *struct {
	TableName                        string
	PointInTimeRecoverySpecification *struct{ PointInTimeRecoveryEnabled *bool }
}) (any, error) {
	spec := in.PointInTimeRecoverySpecification
	if spec == nil || spec.PointInTimeRecoveryEnabled == nil {
		return nil, required("pointInTimeRecoverySpecification")
	}
	t, err := w.backedUp(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.status != statusActive {
		return nil, refuse("ContinuousBackupsUnavailableException", "Backups are being enabled for the table: %s. Please retry later", t.name)
	}
	if *spec.PointInTimeRecoveryEnabled && !t.recovery {
		t.recovering = w.now
	}
	t.recovery = *spec.PointInTimeRecoveryEnabled
	return w.backups(t), nil
}

func (w *world) describeContinuousBackups(in *tableInput) (any, error) {
	t, err := w.backedUp(in.TableName)
	if err != nil {
		return nil, err
	}
	return w.backups(t), nil
}

// backedUp finds a table for the two operations that have an error of their own for a missing one.
func (w *world) backedUp(name string) (*table, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	t := w.find(name)
	if t == nil {
		return nil, refuse("TableNotFoundException", "Table not found: %s", shortName(name))
	}
	return t, nil
}

func (w *world) backups(t *table) any {
	d := map[string]any{"PointInTimeRecoveryStatus": "DISABLED"}
	if t.recovery {
		earliest := t.recovering
		if limit := w.now.Add(-recoverable * 24 * time.Hour); earliest.Before(limit) {
			earliest = limit
		}
		d = map[string]any{
			"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": recoverable,
			"EarliestRestorableDateTime": seconds(earliest), "LatestRestorableDateTime": seconds(w.now),
		}
	}
	return map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": d,
	}}
}

// tagged finds the table of a tagging request, which names it by its ARN only.
func (w *world) tagged(arn string) (*table, error) {
	if arn == "" {
		return nil, required("resourceArn")
	}
	t := w.find(arn)
	if t == nil || arn != w.arn(t.name) {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found: ResourcArn: %s not found", arn)
	}
	return t, nil
}

func (w *world) tagResource(in *struct {
	ResourceArn string
	Tags        []tag
}) (any, error) {
	t, err := w.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, g := range in.Tags {
		t.tags[g.Key] = g.Value
	}
	return struct{}{}, nil
}

func (w *world) untagResource(in *struct {
	ResourceArn string
	TagKeys     []string
}) (any, error) {
	t, err := w.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(t.tags, key)
	}
	return struct{}{}, nil
}

func (w *world) listTagsOfResource(in *struct{ ResourceArn, NextToken string }) (any, error) {
	t, err := w.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags := []tag{}
	for _, key := range sortedKeys(t.tags) {
		tags = append(tags, tag{key, t.tags[key]})
	}
	return map[string]any{"Tags": tags}, nil
}
