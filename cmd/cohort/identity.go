package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"cohort/store"
)

// What the database remembers of the configuration it was made with.
const (
	secretSetting = "secret_proof"
	urlSetting    = "instance_url"
)

var (
	errOtherSecret = errors.New("it is not the secret this database was made with; put the original file back")
	errOtherURL    = errors.New("the database belongs to another address, which is part of every id in it and cannot change")
)

// identify reads the instance secret and compares it and instance.url with
// what the database was made with; at the first start it leaves both there,
// the secret as a proof that tells nothing of it. Another secret would make
// every sealed key unreadable, another url every id a stranger's: both are
// noticed here, before they do harm.
func (i *instance) identify(ctx context.Context) ([]byte, error) {
	path := i.config.Secrets.File
	known, err := i.db.Setting(ctx, secretSetting)
	if err != nil {
		return nil, err
	}
	load := loadSecret
	if known != "" {
		load = existingSecret
	}
	secret, err := load(path)
	if err != nil {
		return nil, err
	}
	known, err = i.settle(ctx, secretSetting, secretProof(secret))
	if err != nil {
		return nil, err
	}
	if known != secretProof(secret) {
		return nil, fmt.Errorf("cannot use the secrets file %s: %w", path, errOtherSecret)
	}
	known, err = i.settle(ctx, urlSetting, i.config.Instance.URL)
	if err == nil && known != i.config.Instance.URL {
		err = fmt.Errorf("instance.url: %w: %s", errOtherURL, known)
	}
	return secret, err
}

// settle returns the setting, setting it to value if there is none yet.
func (i *instance) settle(ctx context.Context, name, value string) (string, error) {
	known, err := i.db.Setting(ctx, name)
	if err != nil || known != "" {
		return known, err
	}
	err = i.db.Tx(ctx, func(tx *store.Tx) error {
		known, err = tx.Setting(ctx, name)
		if err != nil || known != "" {
			return err // another process was faster
		}
		known = value
		return tx.SetSetting(ctx, name, value)
	})
	return known, err
}

// secretProof is the same for the same secret and does not reveal it.
func secretProof(secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("cohort: this is the secret of the database"))
	return base64.RawStdEncoding.EncodeToString(mac.Sum(nil)[:16])
}
