package main

import (
	"context"
	"slices"

	"github.com/promote-on-success/promote/internal/notify"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// notify tells a topic and a webhook, where this outcome is one that they want to know of.
func (h *hub) notify(ctx context.Context, o promotion.Outcome) {
	to := h.wanted.Notify
	if to.Topic == "" && to.Webhook == "" || !slices.Contains(to.On, o.Kind) {
		return
	}
	n := report.NotificationOf(o, h.context)
	sender := notify.New(notify.Options{Topic: to.Topic, AWS: h.aws, Webhook: to.Webhook, HTTP: h.web})
	for _, fault := range sender.Send(ctx, notify.Message{Title: n.Title, Lines: n.Lines, Link: n.Link, Good: n.Good, Attributes: n.Attributes}) {
		h.warn(fault.What, fault, "")
	}
}
