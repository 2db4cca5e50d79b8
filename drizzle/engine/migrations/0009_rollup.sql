-- safe-for-older-servers
CREATE TABLE "deputy"."call_minutes" (
	"minute" timestamp (3) with time zone NOT NULL,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"calls" bigint NOT NULL,
	"durations" integer[] NOT NULL,
	CONSTRAINT "call_minutes_pkey" PRIMARY KEY("minute","action","outcome")
);
