package vocab

import (
	"context"
	"encoding/json"

	"github.com/go-fed/activity/streams"
	asvocab "github.com/go-fed/activity/streams/vocab"
)

// normalise is the skeleton of an activity that was received.
func normalise(raw []byte) ([]byte, error) {
	a, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	return a.Normalise()
}

// toType is what go-fed's inbox makes of an activity: a type of its own, from the skeleton.
func toType(ctx context.Context, raw []byte) (asvocab.Type, error) {
	skeleton, err := normalise(raw)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(skeleton, &m); err != nil {
		return nil, err
	}
	return streams.ToType(ctx, m)
}
