CREATE TABLE "budget_days" (
	"budget" text NOT NULL,
	"subject" text NOT NULL,
	"day" date NOT NULL,
	"calls" bigint NOT NULL,
	"credits" bigint NOT NULL,
	"max_calls" bigint NOT NULL,
	"max_credits" bigint NOT NULL,
	CONSTRAINT "budget_days_pkey" PRIMARY KEY("budget","subject","day"),
	CONSTRAINT "budget_days_calls" CHECK ("budget_days"."calls" between 0 and "budget_days"."max_calls"),
	CONSTRAINT "budget_days_credits" CHECK ("budget_days"."credits" between 0 and "budget_days"."max_credits")
);
--> statement-breakpoint
CREATE TABLE "credit_accounts" (
	"account" text PRIMARY KEY NOT NULL,
	"available" bigint NOT NULL,
	"reserved" bigint NOT NULL,
	CONSTRAINT "credit_accounts_available" CHECK ("credit_accounts"."available" between 0 and 9000000000000000),
	CONSTRAINT "credit_accounts_reserved" CHECK ("credit_accounts"."reserved" between 0 and 9000000000000000)
);
--> statement-breakpoint
CREATE TABLE "credit_entries" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "credit_entries_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"account" text NOT NULL,
	"kind" text NOT NULL,
	"available_delta" bigint NOT NULL,
	"reserved_delta" bigint NOT NULL,
	"cost" bigint DEFAULT 0 NOT NULL,
	"hold" text,
	"effect" text,
	"payer" text,
	"caller" text,
	"action" text,
	"invocation" text,
	"endpoint" text,
	"transport" text,
	"outcome" text,
	"duration_ms" integer,
	"grant_key" text,
	"granted_by" text,
	CONSTRAINT "credit_entries_sums" CHECK (case "credit_entries"."kind"
        when 'grant' then "credit_entries"."available_delta" > 0 and "credit_entries"."reserved_delta" = 0 and "credit_entries"."cost" = 0
          and "credit_entries"."grant_key" is not null
        when 'reserve' then "credit_entries"."reserved_delta" > 0 and "credit_entries"."available_delta" = -"credit_entries"."reserved_delta"
          and "credit_entries"."cost" = 0 and "credit_entries"."hold" is not null
        when 'settle' then "credit_entries"."cost" >= 0 and "credit_entries"."hold" is not null and (
          ("credit_entries"."available_delta" = 0 and "credit_entries"."reserved_delta" = 0)
          or ("credit_entries"."reserved_delta" < 0 and "credit_entries"."available_delta" >= 0
            and "credit_entries"."available_delta" + "credit_entries"."reserved_delta" = -"credit_entries"."cost"))
        when 'refund' then "credit_entries"."cost" = 0 and "credit_entries"."hold" is not null
          and "credit_entries"."reserved_delta" <= 0 and "credit_entries"."available_delta" = -"credit_entries"."reserved_delta"
        else false end)
);
--> statement-breakpoint
CREATE TABLE "credit_holds" (
	"effect" text PRIMARY KEY NOT NULL,
	"hold" text NOT NULL,
	"state" text NOT NULL,
	"holder" text NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"account" text NOT NULL,
	"is_metered" boolean NOT NULL,
	"amount" bigint NOT NULL,
	"payer" text NOT NULL,
	"caller" text,
	"action" text NOT NULL,
	"invocation" text NOT NULL,
	"endpoint" text NOT NULL,
	"transport" text NOT NULL,
	"budgets" jsonb NOT NULL,
	"day" date NOT NULL,
	CONSTRAINT "credit_holds_state" CHECK ("credit_holds"."state" in ('reserved', 'sent')),
	CONSTRAINT "credit_holds_amount" CHECK ("credit_holds"."amount" between 0 and 9000000000000000)
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" text PRIMARY KEY NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"endpoint" text NOT NULL,
	"data" text NOT NULL,
	"payer" text NOT NULL,
	"caller" text,
	"action" text NOT NULL,
	"invocation" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"token" text,
	"last_error" text,
	"is_unknown" boolean DEFAULT false NOT NULL,
	CONSTRAINT "outbox_state" CHECK ("outbox"."state" in ('queued', 'dead'))
);
--> statement-breakpoint
ALTER TABLE "journal_steps" ADD COLUMN "cost" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "budget_days_day_idx" ON "budget_days" USING btree ("day");--> statement-breakpoint
CREATE INDEX "credit_entries_account_seq_idx" ON "credit_entries" USING btree ("account","seq");--> statement-breakpoint
CREATE INDEX "credit_entries_effect_idx" ON "credit_entries" USING btree ("effect");--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_grant_key" ON "credit_entries" USING btree ("grant_key") WHERE "credit_entries"."kind" = 'grant';--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_reserved_once" ON "credit_entries" USING btree ("hold") WHERE "credit_entries"."kind" = 'reserve';--> statement-breakpoint
CREATE UNIQUE INDEX "credit_entries_closed_once" ON "credit_entries" USING btree ("hold") WHERE "credit_entries"."kind" in ('settle', 'refund');--> statement-breakpoint
CREATE INDEX "credit_holds_lease_until_idx" ON "credit_holds" USING btree ("lease_until");--> statement-breakpoint
CREATE INDEX "outbox_due_at_idx" ON "outbox" USING btree ("due_at") WHERE "outbox"."state" = 'queued';--> statement-breakpoint
CREATE INDEX "outbox_created_at_idx" ON "outbox" USING btree ("created_at","id");