# One image for every program: `docker run IMAGE broker /path/server.properties`. The operator passes the same arguments.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# As hack/bootstrap.mjs: `npm ci` refuses a lock file where a registry lacks optional packages of other platforms.
RUN npm install --no-save --no-audit --no-fund --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY hack/build.ts hack/
COPY src src
RUN node hack/build.ts && npm prune --omit=dev --no-save --no-audit --no-fund --ignore-scripts

FROM node:24-bookworm-slim
WORKDIR /opt/sofakafka
COPY LICENSE package.json ./
COPY crds crds
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# Compiled once here, since the root file system is read-only when the programs run: each start saves what compiling its modules costs.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/opt/sofakafka/.compile-cache
COPY hack/warm-image.mjs /tmp/
RUN ["ln", "-s", "/opt/sofakafka/dist/main.js", "/usr/local/bin/sofakafka"]
RUN ["node", "--initial-old-space-size=256", "/tmp/warm-image.mjs"]
# What is compiled belongs to the flags of V8; these are the operator's, of the chart's Deployment.
RUN ["node", "--initial-old-space-size=256", "--max-semi-space-size=4", "/tmp/warm-image.mjs"]
USER 1000:1000
ENTRYPOINT ["sofakafka"]
CMD ["help"]
