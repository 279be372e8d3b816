# Afterword's server, worker and command line in one image: `node dist/server.js`, `node dist/worker.js`, `afterword …`.
# The cage needs no added privilege: Landlock and seccomp work for any user.
ARG BASE=node:24.11.1-bookworm-slim

FROM ${BASE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The versions are Debian's own for this release of the base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/afterword
COPY src/sandbox/python/requirements.txt src/sandbox/python/requirements.txt
# The handlers' Python: no pip inside, for handlers have no use for it.
RUN python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/handlers \
    && /opt/pip/bin/pip install --no-cache-dir --requirement src/sandbox/python/requirements.txt \
        --target "$(/opt/handlers/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')"
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
# What is left is what runs: the image has its own Node.
RUN node scripts/build.mjs \
    && npm prune --omit=dev --no-audit --no-fund \
    && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/afterword
ENV NODE_ENV=production \
    AFTERWORD_PYTHON=/opt/handlers/bin/python \
    AFTERWORD_HOST=0.0.0.0 \
    PATH=/opt/afterword/bin:$PATH
COPY --from=build /opt/handlers /opt/handlers
COPY --from=build /opt/afterword/package.json ./
COPY --from=build /opt/afterword/node_modules node_modules
COPY --from=build /opt/afterword/dist dist
COPY --from=build /opt/afterword/scripts/afterword.mjs scripts/afterword.mjs
COPY --from=build /opt/afterword/scripts/setup scripts/setup
COPY --from=build /opt/afterword/src/sandbox src/sandbox
COPY --from=build /opt/afterword/src/analytics/sinks/datalake.proto src/analytics/sinks/datalake.proto
RUN mkdir bin && ln -s ../scripts/afterword.mjs bin/afterword && chmod 755 scripts/afterword.mjs
# The user "node" of the base image, by number so that an orchestrator can see that it is not root.
USER 1000:1000
EXPOSE 7700
CMD ["node", "dist/server.js"]
