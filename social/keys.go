package social

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"

	"cohort/store"
)

// Keys are what an actor here signs with: RSA for requests, Ed25519 for documents.
type Keys struct {
	RSA        *rsa.PrivateKey
	Ed25519    ed25519.PrivateKey
	PublicPEM  string // SubjectPublicKeyInfo of RSA
	PublicEd25 ed25519.PublicKey
}

// maxKeys bounds the decoded keys held in memory.
const maxKeys = 2048

// keyring makes, seals and opens keys. Sealing is AES-256-GCM under a key derived from the instance
// secret, with the account and kind as additional data, so a row cannot be moved to another account.
type keyring struct {
	db   *store.DB
	aead cipher.AEAD

	mu     sync.Mutex
	opened map[store.ID]*Keys
	making map[store.ID]*sync.Mutex
}

func newKeyring(db *store.DB, secret []byte) (*keyring, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "cohort actor keys", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &keyring{db: db, aead: aead, opened: map[store.ID]*Keys{}, making: map[store.ID]*sync.Mutex{}}, nil
}

// KeysFor returns the keys of a local actor, making them when they are first needed. store.ErrNotFound for
// anybody else.
func (s *Service) KeysFor(ctx context.Context, account store.ID) (*Keys, error) {
	k := s.keys
	k.mu.Lock()
	if keys := k.opened[account]; keys != nil {
		k.mu.Unlock()
		return keys, nil
	}
	lock := k.making[account]
	if lock == nil {
		lock = new(sync.Mutex)
		k.making[account] = lock
	}
	k.mu.Unlock()

	// One maker per account: generating RSA takes a tenth of a second of a core.
	lock.Lock()
	defer lock.Unlock()
	k.mu.Lock()
	keys := k.opened[account]
	k.mu.Unlock()
	if keys != nil {
		return keys, nil
	}
	keys, err := k.load(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		keys, err = k.make(ctx, account)
	}
	if err != nil {
		k.mu.Lock()
		delete(k.making, account)
		k.mu.Unlock()
		return nil, fmt.Errorf("keys of account %d: %w", account, err)
	}
	k.remember(account, keys)
	return keys, nil
}

func (k *keyring) remember(account store.ID, keys *Keys) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.opened {
		if len(k.opened) < maxKeys {
			break
		}
		delete(k.opened, id)
	}
	k.opened[account] = keys
	delete(k.making, account)
}

func (k *keyring) load(ctx context.Context, account store.ID) (*Keys, error) {
	rows, err := k.db.ActorKeys(ctx, account)
	if err != nil {
		return nil, err
	}
	var keys Keys
	for _, row := range rows {
		der, err := k.open(account, row.Kind, row.PrivateSealed)
		if err != nil {
			return nil, err
		}
		private, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("parse key: %w", err)
		}
		switch p := private.(type) {
		case *rsa.PrivateKey:
			p.Precompute()
			keys.RSA, keys.PublicPEM = p, row.Public
		case ed25519.PrivateKey:
			keys.Ed25519 = p
			keys.PublicEd25, _ = p.Public().(ed25519.PublicKey)
		}
	}
	if keys.RSA == nil || keys.Ed25519 == nil {
		return nil, store.ErrNotFound
	}
	return &keys, nil
}

func (k *keyring) make(ctx context.Context, account store.ID) (*Keys, error) {
	a, err := k.db.Account(ctx, account)
	if err == nil && !a.Local() {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(&r.PublicKey)
	if err != nil {
		return nil, err
	}
	publicPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	var rows []store.ActorKey
	for kind, key := range map[string]any{"rsa": r, "ed25519": private} {
		sealed, err := k.seal(account, kind, key)
		if err != nil {
			return nil, err
		}
		row := store.ActorKey{AccountID: account, Kind: kind, Public: publicPEM, PrivateSealed: sealed}
		if kind == "ed25519" {
			row.Public = base64.StdEncoding.EncodeToString(public)
		}
		rows = append(rows, row)
	}
	// Another process may have been first; its keys are kept, so read them back.
	if err := k.db.Tx(ctx, func(tx *store.Tx) error { return tx.InsertActorKeys(ctx, rows) }); err != nil {
		return nil, err
	}
	return k.load(ctx, account)
}

func (k *keyring) seal(account store.ID, kind string, key any) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(der)+k.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, der, sealedFor(account, kind))), nil
}

func (k *keyring) open(account store.ID, kind, sealed string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < k.aead.NonceSize() {
		return nil, errors.New("a sealed key is damaged")
	}
	der, err := k.aead.Open(nil, raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():], sealedFor(account, kind))
	if err != nil {
		return nil, errors.New("a sealed key does not open: is this the secrets file that belongs to the database?")
	}
	return der, nil
}

func sealedFor(account store.ID, kind string) []byte { return []byte(kind + ":" + account.String()) }
