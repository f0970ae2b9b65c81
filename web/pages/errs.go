package pages

import (
	"errors"

	"cohort/social"
	"cohort/store"
)

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
func isLimited(err error) bool  { return errors.Is(err, social.ErrLimited) }
func isInvalid(err error) bool  { return errors.Is(err, &social.Invalid{}) }

// orNotFound is err, or store.ErrNotFound if there is none: for what is there but not for this visitor.
func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return store.ErrNotFound
}
