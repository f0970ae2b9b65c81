package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapeTime bounds the questions that one reading of the figures asks.
const scrapeTime = 5 * time.Second

// metrics are the figures of one process, read at /metrics.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	inbox      *prometheus.CounterVec
	deliveries *prometheus.CounterVec
}

// queueFigures is the state of the job queue.
type queueFigures struct {
	// Waiting and Dead are jobs: those to be done and those given up. Due and
	// Failing are lanes: those that could run now, and those of hosts that do
	// not answer.
	Waiting, Due, Failing, Dead int64
	// Oldest is the age of the oldest waiting job.
	Oldest time.Duration
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cohort_http_requests_total", Help: "Requests answered, by part of the program, method and status.",
		}, []string{"area", "method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cohort_http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"area"}),
		inbox: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cohort_inbox_activities_total", Help: "Activities from other servers, by what became of them: accepted, refused or failed.",
		}, []string{"outcome"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cohort_jobs_total", Help: "Attempts at jobs, by kind and outcome: done, dropped, later or refused.",
		}, []string{"kind", "outcome"}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.inbox, m.deliveries,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts one answered request.
func (m *metrics) request(area, method string, code int, took time.Duration) {
	m.requests.WithLabelValues(area, method, strconv.Itoa(code)).Inc()
	if area != "streaming" { // a stream lasts as long as its reader
		m.durations.WithLabelValues(area).Observe(took.Seconds())
	}
	if area == "inbox" && method == http.MethodPost {
		m.inbox.WithLabelValues(inboxOutcome(code)).Inc()
	}
}

func inboxOutcome(code int) string {
	switch {
	case code < http.StatusMultipleChoices:
		return "accepted"
	case code < http.StatusInternalServerError:
		return "refused"
	}
	return "failed"
}

// job counts one attempt at a job.
func (m *metrics) job(kind, outcome string) {
	m.deliveries.WithLabelValues(kind, outcome).Inc()
}

// watch adds figures that are asked for at each reading: the queue's, and the
// size of the database in bytes.
func (m *metrics) watch(queue func(context.Context) (queueFigures, error), size func(context.Context) (int64, error), log *slog.Logger) {
	m.registry.MustRegister(&asked{queue: queue, size: size, log: log})
}

// handler answers a reading.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 2, Timeout: 2 * scrapeTime, ErrorHandling: promhttp.ContinueOnError,
	})
}

// asked is the collector of the figures that need a question.
type asked struct {
	queue func(context.Context) (queueFigures, error)
	size  func(context.Context) (int64, error)
	log   *slog.Logger
}

var (
	descWaiting = prometheus.NewDesc("cohort_queue_waiting", "Jobs that are to be done.", nil, nil)
	descDue     = prometheus.NewDesc("cohort_queue_lanes_due", "Lanes whose next job could run now.", nil, nil)
	descFailing = prometheus.NewDesc("cohort_queue_lanes_failing", "Lanes of hosts that do not answer.", nil, nil)
	descDead    = prometheus.NewDesc("cohort_queue_dead", "Jobs that were given up.", nil, nil)
	descOldest  = prometheus.NewDesc("cohort_queue_oldest_seconds", "Age of the oldest waiting job.", nil, nil)
	descSize    = prometheus.NewDesc("cohort_database_bytes", "Size of the database.", nil, nil)
	descUp      = prometheus.NewDesc("cohort_database_up", "1 if the database answered this reading.", nil, nil)
)

// Describe is part of prometheus.Collector.
func (a *asked) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{descWaiting, descDue, descFailing, descDead, descOldest, descSize, descUp} {
		out <- desc
	}
}

// Collect is part of prometheus.Collector.
func (a *asked) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	gauge := func(desc *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	queue, err := a.queue(ctx)
	if err == nil {
		gauge(descWaiting, float64(queue.Waiting))
		gauge(descDue, float64(queue.Due))
		gauge(descFailing, float64(queue.Failing))
		gauge(descDead, float64(queue.Dead))
		gauge(descOldest, queue.Oldest.Seconds())
		var size int64
		if size, err = a.size(ctx); err == nil {
			gauge(descSize, float64(size))
		}
	}
	if err != nil {
		a.log.WarnContext(ctx, "figures of the database", "error", err)
		gauge(descUp, 0)
		return
	}
	gauge(descUp, 1)
}
