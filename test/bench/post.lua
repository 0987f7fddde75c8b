-- One request again and again, for the bare server only: what `load` costs is held against what wrk costs.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Dentrix-Signature"] = string.rep("0", 64)
wrk.body = string.rep("x", 285)
