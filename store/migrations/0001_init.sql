-- +goose Up

-- Anyone who can act: people, bots, groups, circles and servers' own actors, here ('' as host) or elsewhere.
-- host is the authority of the actor's id, domain what stands after the @ of its address ('' here).
CREATE TABLE accounts (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('person', 'bot', 'group', 'circle', 'organization', 'server')),
  handle TEXT NOT NULL,
  handle_key TEXT NOT NULL,
  host TEXT NOT NULL,
  domain TEXT NOT NULL,
  uri TEXT NOT NULL,
  url TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  bio TEXT NOT NULL DEFAULT '',
  bio_source TEXT NOT NULL DEFAULT '',
  fields TEXT NOT NULL DEFAULT '',
  avatar TEXT NOT NULL DEFAULT '',
  avatar_remote TEXT NOT NULL DEFAULT '',
  avatar_alt TEXT NOT NULL DEFAULT '',
  header TEXT NOT NULL DEFAULT '',
  header_remote TEXT NOT NULL DEFAULT '',
  header_alt TEXT NOT NULL DEFAULT '',
  inbox TEXT NOT NULL DEFAULT '',
  shared_inbox TEXT NOT NULL DEFAULT '',
  outbox TEXT NOT NULL DEFAULT '',
  followers_uri TEXT NOT NULL DEFAULT '',
  following_uri TEXT NOT NULL DEFAULT '',
  featured_uri TEXT NOT NULL DEFAULT '',
  also_known_as TEXT NOT NULL DEFAULT '',
  moved_to TEXT NOT NULL DEFAULT '',
  key_id TEXT NOT NULL DEFAULT '',
  key_pem TEXT NOT NULL DEFAULT '',
  proof_keys TEXT NOT NULL DEFAULT '',
  locked_at BIGINT,
  discoverable_at BIGINT,
  indexable_at BIGINT,
  posts_count BIGINT NOT NULL DEFAULT 0,
  followers_count BIGINT NOT NULL DEFAULT 0,
  following_count BIGINT NOT NULL DEFAULT 0,
  last_post_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  fetched_at BIGINT,
  suspended_at BIGINT,
  host_suspended_at BIGINT,
  silenced_at BIGINT,
  deleted_at BIGINT
);
CREATE UNIQUE INDEX accounts_uri ON accounts (uri);
CREATE UNIQUE INDEX accounts_handle ON accounts (handle_key, domain);
CREATE INDEX accounts_host ON accounts (host, id);
CREATE INDEX accounts_domain ON accounts (domain, host);
CREATE INDEX accounts_directory ON accounts (host, id) WHERE discoverable_at IS NOT NULL;
CREATE INDEX accounts_key ON accounts (key_id);
-- Nearly empty: what every read of posts looks into, to leave out whoever is suspended or gone.
CREATE INDEX accounts_gone ON accounts (id) WHERE suspended_at IS NOT NULL OR host_suspended_at IS NOT NULL OR deleted_at IS NOT NULL;
CREATE INDEX accounts_silenced ON accounts (id) WHERE silenced_at IS NOT NULL;

-- The words an account is found by the beginnings of, in hexadecimal: it sorts alike under every collation.
CREATE TABLE account_words (
  word TEXT NOT NULL,
  account_id BIGINT NOT NULL,
  PRIMARY KEY (word, account_id)
);
CREATE INDEX account_words_account ON account_words (account_id);

-- Private keys of accounts here, sealed with the instance secret; made when an actor first federates.
CREATE TABLE actor_keys (
  account_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('rsa', 'ed25519')),
  public TEXT NOT NULL,
  private_sealed TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, kind)
);

-- Who signs in here.
CREATE TABLE users (
  account_id BIGINT PRIMARY KEY,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('member', 'verifier', 'moderator', 'admin')),
  language TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  default_visibility TEXT NOT NULL DEFAULT 'public' CHECK (default_visibility IN ('public', 'unlisted', 'followers', 'direct')),
  default_sensitive INTEGER NOT NULL DEFAULT 0,
  default_language TEXT NOT NULL DEFAULT '',
  hide_collections_at BIGINT,
  shortcuts_off_at BIGINT,
  created_at BIGINT NOT NULL,
  confirmed_at BIGINT,
  approved_at BIGINT,
  active_day BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX users_email ON users (email_key);
CREATE INDEX users_active ON users (active_day);
CREATE INDEX users_waiting ON users (account_id) WHERE approved_at IS NULL;
CREATE INDEX users_staff ON users (role, account_id) WHERE role <> 'member';

CREATE TABLE sessions (
  id BIGINT PRIMARY KEY,
  token_hash TEXT NOT NULL,
  account_id BIGINT NOT NULL,
  user_agent TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account_id, id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Codes sent by mail (confirming an address, a new password). The code itself is in no row.
CREATE TABLE verifications (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('confirm', 'reset', 'email', 'taken')),
  address TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  used_at BIGINT
);
CREATE INDEX verifications_account ON verifications (account_id, purpose, id);
CREATE INDEX verifications_expires ON verifications (expires_at);

-- One-time links and invitations: only the hash of the secret is kept.
CREATE TABLE links (
  token_hash TEXT PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('setup', 'invite')),
  made_by BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  used_by BIGINT
);
CREATE INDEX links_expires ON links (expires_at);

CREATE TABLE apps (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  website TEXT NOT NULL,
  client_id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  redirect_uris TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX apps_client ON apps (client_id);
CREATE INDEX apps_created ON apps (created_at);

CREATE TABLE tokens (
  id BIGINT PRIMARY KEY,
  token_hash TEXT NOT NULL,
  app_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL DEFAULT 0,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_day BIGINT NOT NULL DEFAULT 0,
  revoked_at BIGINT
);
CREATE UNIQUE INDEX tokens_hash ON tokens (token_hash);
CREATE INDEX tokens_account ON tokens (account_id, id);
CREATE INDEX tokens_app ON tokens (app_id);
CREATE INDEX tokens_revoked ON tokens (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE oauth_codes (
  code_hash TEXT PRIMARY KEY,
  app_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  redirect_uri TEXT NOT NULL,
  scopes TEXT NOT NULL,
  challenge TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  token_id BIGINT
);
CREATE INDEX oauth_codes_expires ON oauth_codes (expires_at);
CREATE INDEX oauth_codes_app ON oauth_codes (app_id);

-- A verified place in a cohort of this institution, held by any account on any server.
CREATE TABLE seats (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('student', 'alumnus', 'employee', 'formerEmployee', 'faculty', 'staff', 'guest')),
  unit TEXT NOT NULL,
  year_from INTEGER NOT NULL,
  year_to INTEGER NOT NULL,
  reason TEXT NOT NULL,
  granted_by BIGINT NOT NULL DEFAULT 0,
  granted_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  revoked_reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX seats_account ON seats (account_id, id);
CREATE INDEX seats_unit ON seats (unit, id);

-- Circles whose hub is here. A circle elsewhere is only an account of kind 'circle'.
CREATE TABLE circles (
  account_id BIGINT PRIMARY KEY,
  unit TEXT NOT NULL,
  year_from INTEGER NOT NULL DEFAULT 0,
  year_to INTEGER NOT NULL DEFAULT 0,
  listing TEXT NOT NULL DEFAULT 'unlisted' CHECK (listing IN ('listed', 'unlisted', 'secret')),
  created_at BIGINT NOT NULL
);
CREATE INDEX circles_unit ON circles (unit);

-- Servers that may hold a circle's posts, decided by a person.
CREATE TABLE circle_hosts (
  circle_id BIGINT NOT NULL,
  host TEXT NOT NULL,
  approved_at BIGINT NOT NULL,
  ended_at BIGINT,
  PRIMARY KEY (circle_id, host)
);

-- Membership is authoritative on the hub; another server keeps only those of its own accounts.
CREATE TABLE memberships (
  circle_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  host TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'steward')),
  via TEXT NOT NULL DEFAULT 'native' CHECK (via IN ('native', 'mirror', 'web')),
  seat_id BIGINT,
  follow_uri TEXT NOT NULL DEFAULT '',
  uri TEXT NOT NULL DEFAULT '',
  requested_at BIGINT NOT NULL,
  verified_at BIGINT,
  expires_at BIGINT,
  ended_at BIGINT,
  PRIMARY KEY (circle_id, account_id)
);
CREATE INDEX memberships_account ON memberships (account_id, circle_id);
CREATE INDEX memberships_host ON memberships (circle_id, host, account_id);
CREATE INDEX memberships_waiting ON memberships (circle_id, account_id) WHERE verified_at IS NULL AND ended_at IS NULL;
CREATE INDEX memberships_follow ON memberships (follow_uri) WHERE follow_uri <> '';
CREATE INDEX memberships_seat ON memberships (seat_id) WHERE seat_id IS NOT NULL;

-- Expulsions: (circle, account) with seat 0, or (circle, seat) with account 0.
CREATE TABLE bars (
  circle_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  seat_id BIGINT NOT NULL,
  reason TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (circle_id, account_id, seat_id)
);

CREATE TABLE posts (
  id BIGINT PRIMARY KEY,
  uri TEXT NOT NULL,
  url TEXT NOT NULL DEFAULT '',
  author_id BIGINT NOT NULL,
  host TEXT NOT NULL,
  visibility TEXT NOT NULL CHECK (visibility IN ('public', 'unlisted', 'followers', 'direct', 'limited', 'circle')),
  circle_id BIGINT,
  root_id BIGINT NOT NULL,
  reply_to_id BIGINT,
  reply_to_uri TEXT NOT NULL DEFAULT '',
  reply_to_account_id BIGINT,
  boost_of_id BIGINT,
  html TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  summary TEXT NOT NULL DEFAULT '',
  sensitive INTEGER NOT NULL DEFAULT 0,
  language TEXT NOT NULL DEFAULT '',
  media_count INTEGER NOT NULL DEFAULT 0,
  mention_count INTEGER NOT NULL DEFAULT 0,
  tag_count INTEGER NOT NULL DEFAULT 0,
  replies_count BIGINT NOT NULL DEFAULT 0,
  boosts_count BIGINT NOT NULL DEFAULT 0,
  likes_count BIGINT NOT NULL DEFAULT 0,
  app_id BIGINT,
  signed TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  edited_at BIGINT,
  pending_at BIGINT,
  fades_at BIGINT,
  hidden_at BIGINT,
  deleted_at BIGINT,
  CHECK ((visibility = 'circle') = (circle_id IS NOT NULL)),
  CHECK (boost_of_id IS NULL OR visibility IN ('public', 'unlisted', 'followers'))
);
CREATE UNIQUE INDEX posts_uri ON posts (uri);
CREATE INDEX posts_author_id ON posts (author_id, id);
CREATE INDEX posts_author_public ON posts (author_id, id) WHERE visibility = 'public';
CREATE INDEX posts_author_unlisted ON posts (author_id, id) WHERE visibility = 'unlisted';
CREATE INDEX posts_author_followers ON posts (author_id, id) WHERE visibility = 'followers';
CREATE INDEX posts_author_circle ON posts (author_id, circle_id, id) WHERE circle_id IS NOT NULL;
CREATE INDEX posts_circle ON posts (circle_id, id) WHERE circle_id IS NOT NULL;
CREATE INDEX posts_root ON posts (root_id, id);
CREATE INDEX posts_reply ON posts (reply_to_id, id) WHERE reply_to_id IS NOT NULL;
CREATE INDEX posts_reply_uri ON posts (reply_to_uri) WHERE reply_to_uri <> '' AND reply_to_id IS NULL;
CREATE INDEX posts_public ON posts (id) WHERE visibility = 'public' AND boost_of_id IS NULL;
CREATE INDEX posts_public_here ON posts (id) WHERE visibility = 'public' AND boost_of_id IS NULL AND host = '';
CREATE INDEX posts_boost ON posts (boost_of_id, id) WHERE boost_of_id IS NOT NULL;
CREATE UNIQUE INDEX posts_boost_once ON posts (author_id, boost_of_id) WHERE boost_of_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX posts_fades ON posts (fades_at) WHERE fades_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX posts_deleted ON posts (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE post_edits (
  id BIGINT PRIMARY KEY,
  post_id BIGINT NOT NULL,
  html TEXT NOT NULL,
  source TEXT NOT NULL,
  summary TEXT NOT NULL,
  sensitive INTEGER NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX post_edits_post ON post_edits (post_id, id);

-- Whom a post names: mentioned, or addressed without a mention.
CREATE TABLE post_recipients (
  post_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  author_id BIGINT NOT NULL,
  mentioned INTEGER NOT NULL,
  PRIMARY KEY (post_id, account_id)
);
CREATE INDEX post_recipients_account ON post_recipients (account_id, author_id, post_id);

CREATE TABLE tags (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE UNIQUE INDEX tags_name ON tags (name);
CREATE TABLE post_tags (
  tag_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  PRIMARY KEY (tag_id, post_id)
);
CREATE INDEX post_tags_post ON post_tags (post_id);

CREATE TABLE media (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  post_id BIGINT,
  position INTEGER NOT NULL DEFAULT 0,
  mime TEXT NOT NULL,
  file TEXT NOT NULL DEFAULT '',
  preview TEXT NOT NULL DEFAULT '',
  remote_url TEXT NOT NULL DEFAULT '',
  alt TEXT NOT NULL DEFAULT '',
  blurhash TEXT NOT NULL DEFAULT '',
  width INTEGER NOT NULL DEFAULT 0,
  height INTEGER NOT NULL DEFAULT 0,
  preview_width INTEGER NOT NULL DEFAULT 0,
  preview_height INTEGER NOT NULL DEFAULT 0,
  focus_x INTEGER NOT NULL DEFAULT 0,
  focus_y INTEGER NOT NULL DEFAULT 0,
  size BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE INDEX media_post ON media (post_id, position) WHERE post_id IS NOT NULL;
CREATE INDEX media_account ON media (account_id, id);
CREATE INDEX media_loose ON media (created_at) WHERE post_id IS NULL;

-- Copies of others' media, fetched when first asked for and evicted when the limit is reached.
CREATE TABLE media_cache (
  url TEXT PRIMARY KEY,
  file TEXT NOT NULL,
  mime TEXT NOT NULL,
  size BIGINT NOT NULL,
  fetched_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL
);
CREATE INDEX media_cache_used ON media_cache (used_at);

CREATE TABLE follows (
  account_id BIGINT NOT NULL,
  target_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  uri TEXT NOT NULL,
  requested_at BIGINT NOT NULL,
  accepted_at BIGINT,
  boosts INTEGER NOT NULL DEFAULT 1,
  notify INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, target_id)
);
CREATE INDEX follows_target ON follows (target_id, account_id);
CREATE INDEX follows_account_page ON follows (account_id, id);
CREATE INDEX follows_target_page ON follows (target_id, id) WHERE accepted_at IS NOT NULL;
CREATE INDEX follows_waiting ON follows (target_id, id) WHERE accepted_at IS NULL;
CREATE INDEX follows_notify ON follows (target_id, account_id) WHERE notify = 1;
CREATE UNIQUE INDEX follows_uri ON follows (uri) WHERE uri <> '';

CREATE TABLE blocks (
  account_id BIGINT NOT NULL,
  target_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  uri TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, target_id)
);
CREATE INDEX blocks_target ON blocks (target_id, account_id);
CREATE INDEX blocks_account_page ON blocks (account_id, id);

CREATE TABLE mutes (
  account_id BIGINT NOT NULL,
  target_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  notifications INTEGER NOT NULL,
  expires_at BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, target_id)
);
CREATE INDEX mutes_account_page ON mutes (account_id, id);

-- What an account notes about another, for itself.
CREATE TABLE account_notes (
  account_id BIGINT NOT NULL,
  target_id BIGINT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (account_id, target_id)
);

-- A thread whose notifications an account does not want.
CREATE TABLE thread_mutes (
  account_id BIGINT NOT NULL,
  root_id BIGINT NOT NULL,
  PRIMARY KEY (account_id, root_id)
);

CREATE TABLE likes (
  account_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  uri TEXT NOT NULL,
  PRIMARY KEY (account_id, post_id)
);
CREATE INDEX likes_post ON likes (post_id, id);
CREATE INDEX likes_account_page ON likes (account_id, id);
CREATE UNIQUE INDEX likes_uri ON likes (uri) WHERE uri <> '';

CREATE TABLE bookmarks (
  account_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  PRIMARY KEY (account_id, post_id)
);
CREATE INDEX bookmarks_account_page ON bookmarks (account_id, id);

CREATE TABLE pins (
  account_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  id BIGINT NOT NULL,
  PRIMARY KEY (account_id, post_id)
);

CREATE TABLE timeline (
  account_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  PRIMARY KEY (account_id, post_id)
);
CREATE INDEX timeline_post ON timeline (post_id);

-- Circles with so many readers here that their posts are not written into timelines: home reads them as they are.
-- A circle that became wide stays so, for what was posted meanwhile is in no timeline.
CREATE TABLE wide_circles (
  circle_id BIGINT PRIMARY KEY,
  since BIGINT NOT NULL
);

CREATE TABLE notifications (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('mention', 'status', 'reblog', 'follow', 'follow_request', 'favourite', 'update', 'admin.sign_up')),
  from_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE INDEX notifications_account ON notifications (account_id, id);
CREATE INDEX notifications_kind ON notifications (account_id, kind, id);
CREATE UNIQUE INDEX notifications_once ON notifications (account_id, kind, from_id, post_id);
CREATE INDEX notifications_post ON notifications (post_id) WHERE post_id <> 0;

CREATE TABLE markers (
  account_id BIGINT NOT NULL,
  timeline TEXT NOT NULL,
  last_read_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, timeline)
);

CREATE TABLE idempotency_keys (
  account_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  post_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- What we say to other servers besides posts: the fact, from which the document is made when it is sent.
CREATE TABLE activities (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  actor_id BIGINT NOT NULL,
  target_id BIGINT NOT NULL DEFAULT 0,
  post_id BIGINT NOT NULL DEFAULT 0,
  inner_uri TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL
);

-- Ids of activities already handled, so that a repeat changes nothing.
CREATE TABLE seen_activities (
  uri TEXT PRIMARY KEY,
  seen_at BIGINT NOT NULL
);
CREATE INDEX seen_activities_at ON seen_activities (seen_at);

-- Ids deleted before they were known here: a late Create stays deleted.
CREATE TABLE tombstones (
  uri TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX tombstones_at ON tombstones (deleted_at);

CREATE TABLE jobs (
  id BIGINT PRIMARY KEY,
  lane TEXT NOT NULL,
  kind TEXT NOT NULL,
  object_id BIGINT NOT NULL,
  target TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  failed_at BIGINT
);
CREATE INDEX jobs_lane ON jobs (lane, id);
CREATE TABLE lanes (
  lane TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  due_at BIGINT,
  leased_until BIGINT NOT NULL DEFAULT 0,
  lease BIGINT NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0
);
-- Lanes of servers that answer, and of those that do not: the second must not hold up the first.
CREATE INDEX lanes_due ON lanes (due_at) WHERE due_at IS NOT NULL AND failures = 0;
CREATE INDEX lanes_failing ON lanes (due_at) WHERE due_at IS NOT NULL AND failures > 0;
CREATE INDEX lanes_host ON lanes (host);
CREATE INDEX lanes_idle ON lanes (leased_until) WHERE due_at IS NULL;
CREATE TABLE dead_jobs (
  id BIGINT PRIMARY KEY,
  lane TEXT NOT NULL,
  kind TEXT NOT NULL,
  object_id BIGINT NOT NULL,
  target TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  last_error TEXT NOT NULL,
  died_at BIGINT NOT NULL
);
CREATE INDEX dead_jobs_died ON dead_jobs (died_at);
-- Which server was sent which post, so that a Delete reaches every copy.
CREATE TABLE sent (
  post_id BIGINT NOT NULL,
  inbox TEXT NOT NULL,
  host TEXT NOT NULL,
  attempted_at BIGINT NOT NULL,
  confirmed_at BIGINT,
  PRIMARY KEY (post_id, inbox)
);

-- What we know of another server.
CREATE TABLE hosts (
  host TEXT PRIMARY KEY,
  software TEXT NOT NULL DEFAULT '',
  actor_uri TEXT NOT NULL DEFAULT '',
  circles_at BIGINT,
  seen_at BIGINT NOT NULL
);

CREATE TABLE domain_policies (
  domain TEXT PRIMARY KEY,
  severity TEXT NOT NULL CHECK (severity IN ('suspend', 'silence', 'allow')),
  reason TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Addresses an account does not want to hear from.
CREATE TABLE domain_mutes (
  account_id BIGINT NOT NULL,
  domain TEXT NOT NULL,
  id BIGINT NOT NULL,
  PRIMARY KEY (account_id, domain)
);

CREATE TABLE rules (
  id BIGINT PRIMARY KEY,
  position INTEGER NOT NULL,
  text TEXT NOT NULL
);

CREATE TABLE audit (
  id BIGINT PRIMARY KEY,
  actor_id BIGINT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Process numbers for making ids, leased so that two processes never share one.
CREATE TABLE processes (
  number INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  leased_until BIGINT NOT NULL,
  ids_until BIGINT NOT NULL
);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
